"""The commands `known list`, `show`, `forget`, `export` and `import`: the memory of destinations, by hand."""
