"""The command `known accept`: a finding becomes an entry of an allowlist, which is checked before it is shown."""
