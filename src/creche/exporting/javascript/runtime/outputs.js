// From the outputs of networks to probabilities or numbers, and from those of several networks to one prediction.

/** Returns the probabilities of the classes, or of yes for each label, or the numbers, that a network predicts. */
export function decodeOutputs({ head, quantiles, numbers, isMultilabel }, outputs, round) {
  let p = Array.from(outputs);
  if (head === "cumulative") p = shareClasses(p, round);
  if (head === "sorted") p = sortGroups(p, quantiles);
  if (numbers) return scaleNumbers(numbers, p);
  if (head !== "sigmoid" || isMultilabel) return p;
  if (p.length === 1) return [round(1 - p[0]), p[0]];
  const total = round(p.reduce((a, b) => a + b));
  return p.map((value) => round(total > 0 ? value / total : 1 / p.length));
}

/** Turns the probabilities of a class above each but the last into those of the classes. */
function shareClasses(p, round) {
  const ordered = [1, ...p.sort((a, b) => b - a), 0];
  return ordered.slice(1).map((bound, i) => round(ordered[i] - bound));
}

function sortGroups(values, size) {
  const out = [];
  for (let i = 0; i < values.length; i += size) out.push(...values.slice(i, i + size).sort((a, b) => a - b));
  return out;
}

function scaleNumbers({ scale, mean, low, high }, values) {
  return values.map((value, i) => {
    const scaled = scale ? value * scale[i] + mean[i] : value;
    return low ? Math.min(Math.max(scaled, low[i]), high[i]) : scaled;
  });
}

/** Returns the mean of several predictions, each with its share. */
export function average(predicted, shares) {
  return predicted[0].map((_, i) => predicted.reduce((sum, p, k) => sum + shares[k] * p[i], 0));
}

const TINY = 2 ** -1022;

/** Does to the mean of several predictions what the model learned from rows that its networks were not trained on. */
export function calibrate({ temperature, offsets, matrix, mix, shares, lowest, highest }, mean) {
  if (lowest) return mean.map((value, i) => Math.min(Math.max(value, lowest[i]), highest[i]));
  let p = mean;
  if (temperature !== 1 || offsets || matrix) {
    let logits = mean.map((value) => Math.log(Math.max(value, matrix ? 1e-7 : TINY)) / temperature);
    if (matrix) {
      const middle = logits.reduce((a, b) => a + b) / logits.length;
      logits = logits.map((_, j) => logits.reduce((sum, logit, k) => sum + (logit - middle) * matrix[k][j], 0));
    }
    if (offsets) logits = logits.map((logit, i) => logit + offsets[i]);
    const highestLogit = Math.max(...logits);
    const powers = logits.map((logit, i) => (matrix || mean[i] > 0 ? Math.exp(logit - highestLogit) : 0));
    const total = powers.reduce((a, b) => a + b);
    p = powers.map((power) => power / total);
  }
  return mix === 0 ? p : p.map((value, i) => (1 - mix) * value + mix * shares[i]);
}

/** Returns the limits of each number, or whether each class is in the set, that hold the true label as often as chosen. */
export function findInterval({ scores, columns }, values, isRegression) {
  if (isRegression) {
    return {
      low: scores.map((score, i) => values[i * columns] - score),
      high: scores.map((score, i) => values[(i + 1) * columns - 1] + score),
    };
  }
  const best = values.indexOf(Math.max(...values));
  return { inSet: values.map((p, i) => i === best || 1 - p <= scores[0]) };
}

/** Returns how much several networks disagree: from 0 for classes, otherwise in the units of the label. */
export function measureDisagreement({ classes, scales }, predicted, mean, shares) {
  if (classes) {
    const own = predicted.reduce((sum, p, k) => sum + shares[k] * entropy(p), 0);
    return Math.max(entropy(mean) - own, 0) / Math.log(classes.length);
  }
  const spreads = mean.map((middle, i) =>
    Math.sqrt(predicted.reduce((sum, p, k) => sum + shares[k] * (p[i] - middle) ** 2, 0)));
  if (spreads.length === 1) return spreads[0];
  return spreads.reduce((sum, spread, i) => sum + spread / (scales ? scales[i] : 1), 0) / spreads.length;
}

function entropy(p) {
  return -p.reduce((sum, value) => sum + (value > 0 ? value * Math.log(value) : 0), 0);
}
