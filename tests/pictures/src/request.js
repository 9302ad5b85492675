// What the address asks for: ?span=SECONDS&step=SECONDS&width=PIXELS&var-NAME=VALUE, as Grafana's addresses have it.
const asked = new URLSearchParams(location.search);
const number = (name, usual) => Number(asked.get(name) || usual);

export const width = number('width', 1424);
export const span = number('span', 900);
export const step = number('step', 15);
export const now = number('now', Date.now() / 1000);
export const from = now - span;

const rateInterval = Math.max(4 * step, 60);
const builtIn = {
  __rate_interval: `${rateInterval}s`,
  __interval: `${step}s`,
  __range: `${span}s`,
  __range_s: `${span}`,
  __from: `${Math.round(from * 1000)}`,
  __to: `${Math.round(now * 1000)}`,
};

// A variable that the address does not name stands for all of its values, or for what the dashboard says that is.
export function variablesOf(dashboard) {
  const given = {};
  for (const variable of dashboard.templating?.list ?? []) {
    given[variable.name] = asked.get(`var-${variable.name}`) ?? variable.allValue ?? '.*';
  }
  return { ...given, ...builtIn };
}

export const replacing = (values) => (text) =>
  String(text ?? '').replace(/\$\{(\w+)(?::\w+)?\}|\$(\w+)|\[\[(\w+)\]\]/g, (whole, braced, plain, old) => {
    const name = braced ?? plain ?? old;
    return name in values ? values[name] : whole;
  });
