import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Names the sources of the package's source maps as they are found in the repository: `src/gate.ts`,
 * and `glue/tollgate-gate.js` for what jco generates. esbuild names them by where this machine has
 * them, so that a package of another machine would differ.
 */
export async function nameSources(here, glue, out) {
  const src = path.join(here, 'src');
  const generated = new Map(Object.values(glue).map(({ script, name }) => [path.resolve(script), `glue/${name}.js`]));
  for (const name of await readdir(out, { recursive: true })) {
    if (!name.endsWith('.js.map')) continue;
    const file = path.join(out, name);
    const map = JSON.parse(await readFile(file, 'utf8'));
    const folder = path.dirname(file);
    map.sources = map.sources.map((source) => {
      const found = path.resolve(folder, source);
      const own = path.relative(src, found);
      const named = generated.get(found) ?? (own.startsWith('..') ? undefined : path.join('src', own));
      if (named === undefined) throw new Error(`${name} names ${source}, which is no source of the package.`);
      return path.relative(folder, path.join(out, named)).split(path.sep).join('/');
    });
    if (map.sources.length !== map.sourcesContent?.filter((text) => typeof text === 'string').length) {
      throw new Error(`${name} lacks the text of a source.`);
    }
    await writeFile(file, JSON.stringify(map));
  }
}
