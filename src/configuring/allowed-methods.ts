import type { Request } from 'express';

/** What is used of a layer of express's router. */
interface Layer {
  readonly route?: { readonly methods: Readonly<Record<string, boolean>> };
  match(path: string): boolean;
}

/** The methods that a request's path is there for, in capitals and in order; none where there is no such path. */
export function allowedMethods(request: Request): string[] {
  const { stack } = request.app.router as unknown as { stack: readonly Layer[] };
  const routes = stack.flatMap((layer) => (layer.route !== undefined && isMatch(layer, request.path) ? [layer.route] : []));
  const methods = new Set(routes.flatMap(({ methods }) => Object.keys(methods)).map((method) => method.toUpperCase()));
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods].sort();
}

function isMatch(layer: Layer, path: string): boolean {
  try {
    return layer.match(path);
  } catch {
    // The path has escapes that are none.
    return false;
  }
}
