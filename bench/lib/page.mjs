// A page of sections, of which some are written anew.

/** What stands under each `## ` line, by its title, in order. */
export function sectionsOf(page) {
  return new Map(page.split(/^## /m).slice(1).map((text) => {
    const end = text.indexOf('\n');
    return [text.slice(0, end), text.slice(end + 1).trim()];
  }));
}

/**
 * The page with these sections in the place of the ones that it had, and every other as it is; in
 * the order of `titles`, then those that it knows besides. `frame` is what stands before and after.
 */
export function withSections(page, { intro, last }, fresh, titles) {
  const kept = sectionsOf(page);
  for (const title of Object.keys(last)) kept.delete(title);
  const all = { ...Object.fromEntries(kept), ...fresh };
  const others = Object.keys(all).filter((title) => !titles.includes(title));
  const order = [...titles.filter((title) => title in all), ...others];
  const parts = [...order.map((title) => [title, all[title]]), ...Object.entries(last)];
  return `${intro}\n\n${parts.map(([title, text]) => `## ${title}\n\n${text}\n`).join('\n')}`;
}
