// The network: embeddings, layers with all that they may have, and the function of the output layer.
//
// Each sum is rounded as the network was trained: a term is added without an error of its own, as by fused
// multiply-add, since a product of two numbers in single precision is exact in double.

const VARIANCE_EPSILON = 1e-5;

/** Returns the outputs of a network for the inputs of a row: the mean of those of its submodels. */
export function runNetwork(network, inputs, round) {
  const embedded = embed(network, inputs, round);
  const sums = new Float64Array(network.outputs);
  for (let submodel = 0; submodel < network.submodels; submodel++) {
    let x = embedded;
    for (const layer of network.layers) x = runLayer(layer, x, submodel, round);
    applyHead(network.head, x, round).forEach((output, i) => (sums[i] += output));
  }
  return sums.map((sum) => round(sum / network.submodels));
}

function runLayer(layer, inputs, submodel, round) {
  const { width, weights, slopes } = layer;
  const scale = own(layer.scale, inputs.length, submodel);
  const x = scale ? inputs.map((value, i) => round(value * scale[i])) : inputs;
  const matrix = own(weights, x.length * width, submodel);
  const bias = own(layer.bias, width, submodel);
  const factors = own(layer.outputScale, width, submodel);
  let z = new Float64Array(width);
  for (let j = 0; j < width; j++) {
    let sum = factors ? 0 : bias[j];
    for (let k = 0; k < x.length; k++) sum = round(x[k] * matrix[k * width + j] + sum);
    z[j] = factors ? round(sum * factors[j] + bias[j]) : sum;
  }
  if (layer.normalization) z = normalize(layer, z, round);
  const activate = ACTIVATIONS[layer.activation];
  return z.map((value, j) => {
    const active = round(activate(value, layer.parameter));
    const bent = slopes ? round(slopes[j] * round(active - value) + value) : active;
    return layer.residual ? round(bent + inputs[j]) : bent;
  });
}

/** Returns the numbers of a submodel: those of its own, or those that all share. */
function own(numbers, size, submodel) {
  return numbers && numbers.length > size ? numbers.subarray(submodel * size, (submodel + 1) * size) : numbers;
}

function normalize({ normalization, gain, shift, mean, variance }, z, round) {
  if (normalization === "batch") {
    return z.map((value, j) =>
      round(((value - mean[j]) / Math.sqrt(variance[j] + VARIANCE_EPSILON)) * gain[j] + shift[j]));
  }
  const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const middle = round(average(z));
  const spread = round(average(z.map((value) => round(value - middle) ** 2)));
  const inverse = round(1 / round(Math.sqrt(spread + VARIANCE_EPSILON)));
  return z.map((value, j) => round(round(round(value - middle) * inverse) * gain[j] + shift[j]));
}

/** Returns the inputs of the first layer: those of each embedding, then the columns without one. */
function embed({ embeddings, plain }, x, round) {
  if (embeddings.length === 0) return x;
  const out = embeddings.flatMap((embedding) => EMBEDDINGS[embedding.kind](embedding, x, round));
  return Float64Array.from([...out, ...plain.map((column) => x[column])]);
}

const EMBEDDINGS = { linear: embedLinearly, category: embedCategory, periodic: embedInWaves };

function embedLinearly({ column, size, width, weights, bias }, x, round) {
  return Array.from({ length: width }, (_, j) => {
    let sum = bias[j];
    for (let k = 0; k < size; k++) sum = round(x[column + k] * weights[k * width + j] + sum);
    return sum;
  });
}

function embedCategory({ column, width, vectors }, x) {
  const code = x[column] >= 0 && x[column] < vectors.length / width ? Math.floor(x[column]) : 0;
  return [...vectors.subarray(code * width, (code + 1) * width)];
}

/** Returns b + sum over f of cos(2 pi w_f x + p_f) V_f of each feature, then the feature itself. */
function embedInWaves({ columns, width, frequencies, phases, weights, bias }, x, round) {
  const [count, learned] = [columns.length, width - 1];
  const waves = frequencies.length / count;
  const perTurn = round(1 / round(2 * Math.PI));
  return columns.flatMap((column, i) => {
    const out = Array.from({ length: learned }, (_, j) => bias[j * count + i]);
    for (let f = 0; f < waves; f++) {
      const turns = round(frequencies[f * count + i] * x[column] + round(phases[f * count + i] * perTurn));
      const cosine = round(Math.cos(2 * Math.PI * (turns - Math.round(turns))));
      for (let j = 0; j < learned; j++) out[j] = round(cosine * weights[(f * learned + j) * count + i] + out[j]);
    }
    return [...out, x[column]];
  });
}

function applyHead(head, z, round) {
  if (head === "softmax") {
    const highest = z.reduce((a, b) => Math.max(a, b));
    const powers = z.map((value) => Math.exp(value - highest));
    const total = powers.reduce((a, b) => a + b);
    return powers.map((power) => round(power / total));
  }
  if (head === "sigmoid" || head === "cumulative") return z.map((value) => round(sigmoid(value)));
  return head === "exp" ? z.map((value) => round(Math.exp(value))) : z;
}

function sigmoid(z) {
  return z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z));
}

function softplus(z) {
  return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
}

/** Returns the error function, by the series of erf(x) exp(x²), whose terms are all positive. */
function errorFunction(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;

const ACTIVATIONS = {
  identity: (z) => z,
  relu: (z) => Math.max(z, 0),
  leaky_relu: (z, slope) => (z > 0 ? z : slope * z),
  elu: (z, alpha) => (z > 0 ? z : alpha * Math.expm1(z)),
  selu: (z) => SELU_SCALE * (z > 0 ? z : SELU_ALPHA * Math.expm1(z)),
  gelu: (z) => (z / 2) * (1 + errorFunction(z / Math.SQRT2)),
  gelu_tanh: (z) => (z / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3))),
  silu: (z) => z * sigmoid(z),
  mish: (z) => z * Math.tanh(softplus(z)),
  tanh: (z) => Math.tanh(z),
  sigmoid,
  softplus: (z, beta) => softplus(beta * z) / beta,
};
