// The catalogue that OrQuanta ships: today's usual cards under the exact names that stand on node labels, and some open AI
// models. Data only. A card whose label or VRAM nobody has shown (MI250X, GKE's P4 and GB200) is left out, as is a price without
// a source.
import type { SovereignPolicySpec } from '../resources/sovereignpolicy.ts';
import { formatMebibytes } from '../resources/quantity.ts';

type GPU = NonNullable<SovereignPolicySpec['gpus']>[number];
type Model = NonNullable<SovereignPolicySpec['models']>[number];

/** The day the list below was last gone through. Raise it with every change: policies that carry an older one say so. */
export const catalogueVersion = '2026-11-21';

/**
 * No vendor's page was read directly: RunPod's of November and Lambda's as datareceipts/data-receipts and api-evangelist
 * transcribed them, Hyperstack's, OpenRelay's and RunPod's of October as api-evangelist did, DeepInfra's as the data set
 * hundredthrun/gpu-cloud-prices did. The dates are those of their readings.
 */
interface Price {
  readonly costPerHour: string;
  readonly source: string;
}

/** Of the smallest instance with one card: its CPUs and memory are in the price. */
const aws = (costPerHour: string, instance: string): Price => ({
  costPerHour,
  source: `AWS EC2 on-demand, us-east-1, ${instance} as a whole, first quarter of 2026 (2026-03), as the table of gpuaudit has it`,
});

const runpod = (costPerHour: string, date = '2026-11-09'): Price => ({
  costPerHour,
  source: `RunPod pricing page, Secure Cloud on-demand, ${date}`,
});

const hyperstack: Price = { costPerHour: '0.50', source: 'Hyperstack GPU pricing page, on-demand, 2026-08-26' };
const lambdaA10: Price = {
  costPerHour: '0.86',
  source: 'Lambda instances page, on-demand, 2026-05-07, as TechBytes quotes it',
};
const lambdaA100: Price = { costPerHour: '1.99', source: 'Lambda instances page, on-demand, 8 cards, 2026-09-20' };
const openRelay: Price = { costPerHour: '0.29', source: 'OpenRelay pricing calculator, 2026-09-20' };
const vultr: Price = {
  costPerHour: '1.85',
  source: 'Vultr on-demand, 2026-05-18, as the Cliff Center research note on AMD inference quotes it',
};

const noPrice = 'No price: no dated public list price was found.';

/** Whose labels run through OrQuanta's own tests, on played nodes: that is all that "tested" says of a shipped card. */
const testedHere: ReadonlySet<string> = new Set([
  'Tesla-T4',
  'NVIDIA-L4',
  'NVIDIA-A10',
  'NVIDIA-A100-SXM4-40GB',
  'NVIDIA-A100-SXM4-80GB',
  'NVIDIA-GeForce-RTX-4090',
  'Tesla-V100-SXM2-16GB',
  'Tesla-V100-SXM2-32GB',
  'nvidia-tesla-v100',
  'nvidia-tesla-t4',
  'nvidia-l4',
  'nvidia-tesla-a100',
  'nvidia-a100-80gb',
]);

function gpu(product: string, mebibytes: number, price?: Price, against?: string): GPU {
  return {
    product,
    vram: `${mebibytes}Mi`,
    ...(price && { costPerHour: price.costPerHour }),
    tested: testedHere.has(product),
    recommended: against === undefined,
    notes: [price ? `Price in USD: ${price.source}.` : noPrice, against].filter((text) => text !== undefined).join(' '),
  };
}

/**
 * A card under the name that GKE's label cloud.google.com/gke-accelerator has for it. The names are those of Compute Engine's
 * GPU models (cloud.google.com/compute/docs/gpus, read on 2026-11-21); which card it is stands there too. No label gives its
 * VRAM, so it is what the card reports where one does. Other clouds' prices don't hold there.
 */
function gke(accelerator: string, mebibytes: number, against?: string): GPU {
  const { notes = '', ...card } = gpu(accelerator, mebibytes, undefined, against);
  return { ...card, notes: `GKE's name for the card. ${notes}` };
}

const turing = 'Not recommended: Turing, without bfloat16.';
const volta = 'Not recommended: CUDA 13 has no support for Volta.';

export const shippedGPUs: readonly GPU[] = [
  gpu('Tesla-T4', 15360, aws('0.526', 'g4dn.xlarge'), turing),
  gpu('NVIDIA-L4', 22888, aws('0.8048', 'g6.xlarge')),
  gpu('NVIDIA-A10', 23028, lambdaA10),
  gpu('NVIDIA-A10G', 23028, aws('1.006', 'g5.xlarge')),
  gpu('NVIDIA-L40S', 46068, aws('1.86', 'g6e.xlarge')),
  // An older driver reports less than 40960 (shared/field-notes.md): the least is what is there for sure.
  gpu('NVIDIA-A100-PCIE-40GB', 39538),
  gpu('NVIDIA-A100-SXM4-40GB', 39538, lambdaA100),
  gpu('NVIDIA-A100-80GB-PCIe', 81920, runpod('1.79')),
  gpu('NVIDIA-A100-SXM4-80GB', 81920, runpod('1.79')),
  gpu('NVIDIA-H100-PCIe', 81559, runpod('2.89')),
  gpu('NVIDIA-H100-80GB-HBM3', 81559, runpod('3.99')),
  gpu('NVIDIA-H100-NVL', 95830, runpod('3.19')),
  gpu('NVIDIA-H200', 143771, runpod('4.59', '2026-10-07')),
  gpu('NVIDIA-B200', 183359, runpod('6.79', '2026-10-07')),
  gpu(
    'NVIDIA-GeForce-RTX-4090',
    24564,
    openRelay,
    "Not recommended: the licence of NVIDIA's GeForce driver leaves out data centres.",
  ),
  gpu('NVIDIA-RTX-A6000', 49140, hyperstack),
  gpu('NVIDIA-RTX-6000-Ada-Generation', 49140),
  gpu('Tesla-V100-SXM2-16GB', 16160, aws('3.06', 'p3.2xlarge'), volta),
  gpu('Tesla-V100-SXM2-32GB', 32510, undefined, volta),
  // AMD's labeller rounds to whole GiB, here 64G and 191G or 192G: half a one less than the least is there for sure
  // (operator/placement/cards/label-sources.ts).
  gpu('Instinct_MI210', 65024),
  gpu('AMD_Instinct_MI300X_OAM', 195072, vultr),
  gke('nvidia-tesla-v100', 16160, volta),
  gke('nvidia-tesla-t4', 15360, turing),
  gke('nvidia-l4', 22888),
  gke('nvidia-tesla-a100', 39538),
  gke('nvidia-a100-80gb', 81920),
  gke('nvidia-h100-80gb', 81559),
  gke('nvidia-h100-mega-80gb', 81559),
  gke('nvidia-h200-141gb', 143771),
  gke('nvidia-b200', 183359),
];

interface TokenPrice {
  readonly input: string;
  readonly output: string;
}

const bytesPerParameter = 2;
const mebibytesPerGibibyte = 1024;
const bytesPerGibibyte = 1_073_741_824;

/** The weights in bfloat16 and a fifth more for the cache and the framework, in whole GiB. */
function modelVRAM(billionParameters: number): string {
  const bytes = (billionParameters * 1e9 * bytesPerParameter * 120) / 100;
  return formatMebibytes(Math.ceil(bytes / bytesPerGibibyte) * mebibytesPerGibibyte);
}

/** What is written costs more than what is read: the dearer of the two is the price. */
function model(name: string, billionParameters: number, price?: TokenPrice): Model {
  const computed = `VRAM is computed, not measured: ${billionParameters} billion parameters x ${bytesPerParameter} bytes + 20 %.`;
  const priced = price
    ? `Price in USD of output: DeepInfra pricing page, 2026-11-05; input is ${price.input}.`
    : noPrice;
  return {
    name,
    vram: modelVRAM(billionParameters),
    ...(price && { costPerMillionTokens: price.output }),
    tested: false,
    recommended: true,
    notes: `${computed} ${priced}`,
  };
}

export const shippedModels: readonly Model[] = [
  model('llama-3.2-3b-instruct', 3.21),
  model('mistral-7b-instruct-v0.3', 7.25, { input: '0.028', output: '0.054' }),
  model('qwen2.5-7b-instruct', 7.62),
  model('llama-3.1-8b-instruct', 8.03, { input: '0.02', output: '0.04' }),
  model('gemma-2-9b-it', 9.24),
  model('mixtral-8x7b-instruct', 46.7, { input: '0.54', output: '0.54' }),
  model('llama-3.1-70b-instruct', 70.6, { input: '0.40', output: '0.40' }),
  model('llama-3.3-70b-instruct', 70.6, { input: '0.10', output: '0.32' }),
];

export const shippedCatalogue = {
  gpus: [...shippedGPUs],
  models: [...shippedModels],
  warnAbove: { costPerHour: '5.00', costPerMillionTokens: '1.00' },
} satisfies Pick<SovereignPolicySpec, 'gpus' | 'models' | 'warnAbove'>;
