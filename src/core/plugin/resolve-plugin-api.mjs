// A hook of module resolution: `coterie/plugin` is the running Coterie's, wherever the plug-in lies that imports it.
export function resolve(specifier, context, next) {
  // Seen from a file of this package, its own name leads to its own exports.
  const seenFrom = specifier === 'coterie/plugin' ? { ...context, parentURL: import.meta.url } : context;
  return next(specifier, seenFrom);
}
