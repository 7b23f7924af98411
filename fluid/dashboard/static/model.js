// What is known of the model: from `--bundle`, as nothing of it is on the wire.

let model = null;

export function learnModel(told) {
  model = told;
}

/** A class's name, by its index. */
export function className(index) {
  return model?.classes[index] ?? String(index);
}

/** How many of its test images a sub-network gets right; null where that is not known. */
export function accuracyOf(subnetwork) {
  if (!model?.served || !Object.hasOwn(model.accuracies, subnetwork)) return null;
  return model.accuracies[subnetwork];
}

/** One sentence about where accuracies come from, or why there are none. */
export function accuracyNote() {
  if (model === null) return "Accuracy: start the page with --bundle to see it.";
  if (!model.served) return "Accuracy: no device serves the bundle that --bundle names.";
  return Object.keys(model.accuracies).length
    ? `Accuracy on the test images of ${model.name}, as its bundle says.`
    : `Nobody measured the accuracy of ${model.name}.`;
}
