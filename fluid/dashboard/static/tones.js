// Which tone a slot or a sub-network has. With the usual two slots: one for each, and one for what
// both answer together. Of further slots the tones repeat.

const TONES = ["lower", "upper", "other"];
let slots = [];

/** order: the slots as the cluster places them. */
export function learnSlots(order) {
  if (order.length) slots = order;
}

export function toneOfSlot(slot) {
  const index = slots.indexOf(slot);
  return `tone-${TONES[Math.max(0, index) % TONES.length]}`;
}

/** A sub-network of one slot is named after it, such as `lower50`; others are the whole. */
export function toneOfSubnetwork(name) {
  const slot = slots.find((each) => name.startsWith(each));
  return slot === undefined ? "tone-whole" : toneOfSlot(slot);
}
