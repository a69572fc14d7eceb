// Waiting for what tells nobody when it changes.

/// Looks again until what is seen is as it should be.
export async function until(look, isSo) {
  for (;;) {
    const seen = await look();
    if (isSo(seen)) return seen;
    await new Promise((again) => setTimeout(again, 20));
  }
}
