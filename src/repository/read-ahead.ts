/**
 * Does `work` for each item, some of it ahead of time, and yields the results in order.
 *
 * @param ahead how many are under way at the same time, at least 1
 * @throws what `work` throws, in the turn of its item; what is under way then is waited for by nobody
 */
export async function* readAhead<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  ahead: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const underWay: Promise<R>[] = [];
  for await (const item of items) {
    const result = work(item);
    // Its turn may come after another's failure has ended the loop.
    result.catch(() => {});
    underWay.push(result);
    if (underWay.length >= ahead) yield await underWay.shift()!;
  }
  for (const result of underWay) yield await result;
}
