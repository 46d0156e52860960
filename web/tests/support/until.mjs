/** Far more than anything here takes, also on a machine with much else to do. */
export const GENEROUS = 60_000;

/** Waits until `condition` gives something; what it throws meanwhile counts as nothing. */
export async function until(what, condition) {
  const end = Date.now() + GENEROUS;
  for (;;) {
    let reason;
    try {
      const found = await condition();
      if (found) return found;
    } catch (error) {
      reason = error;
    }
    if (Date.now() > end) throw new Error(`in vain: ${what}`, { cause: reason });
    await new Promise((again) => setTimeout(again, 50));
  }
}
