/** How many links Linux follows before it answers ELOOP. @see https://man7.org/linux/man-pages/man7/path_resolution.7.html */
const MAX_FOLLOWED = 40;

/**
 * Whether the link's target lies outside the folder that `links` (path → target, with `/`) belongs to. Links on the way are
 * followed as Linux would after unpacking, so that `up -> here/..` with `here -> .` is found. Every absolute target is outside.
 * A target that does not exist, or a loop, stays inside: it leads nowhere.
 */
export function isLeaving(link: string, links: ReadonlyMap<string, string>): boolean {
  const at = link.split('/');
  const ahead = [at.pop() ?? ''];
  let followed = 0;
  for (let segment = ahead.shift(); segment !== undefined; segment = ahead.shift()) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') {
      if (at.pop() === undefined) return true;
      continue;
    }
    at.push(segment);
    const target = links.get(at.join('/'));
    if (target === undefined) continue;
    if (target.startsWith('/')) return true;
    if (++followed > MAX_FOLLOWED) return false;
    at.pop();
    ahead.unshift(...target.split('/'));
  }
  return false;
}
