/** Orders things by how well their words fit what was typed; what does not fit is left out. */
export function rank<T>(items: readonly T[], typed: string, textOf: (item: T) => string): T[] {
  const sought = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (sought.length === 0) return [...items];
  return items
    .map((item) => ({ item, score: score(textOf(item).toLowerCase(), sought) }))
    .filter((hit) => hit.score > 0)
    .sort((a, b) => b.score - a.score)
    .map((hit) => hit.item);
}

function score(text: string, sought: readonly string[]): number {
  let total = 0;
  for (const word of sought) {
    const at = text.indexOf(word);
    if (at === -1) return 0;
    const startsWord = at === 0 || /[^a-z0-9]/.test(text[at - 1] ?? "");
    total += startsWord ? 3 : 1;
    if (at === 0) total += 2;
  }
  return total;
}
