/** Reads a listing to its end. `next`: what the page after it is asked for with; absent or empty on the last. */
export async function everyPage<T>(
  read: (marker: string | undefined) => Promise<{ readonly items: readonly T[]; readonly next: string | undefined }>,
): Promise<readonly T[]> {
  const all: T[] = [];
  let marker: string | undefined;
  do {
    const page = await read(marker);
    all.push(...page.items);
    // An empty marker would start from the first page again.
    marker = page.next === '' ? undefined : page.next;
  } while (marker !== undefined);
  return all;
}
