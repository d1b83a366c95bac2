/** How one unit is written. */
export interface Unit {
  /** Steps from large to small: `[size, symbol]`; a value takes the largest that it fills. */
  readonly steps: readonly (readonly [size: number, symbol: string])[];
  /** Before anything else the value is multiplied by this: `percentunit` by 100. */
  readonly times?: number;
  /** Stands after the symbol: `/s`. */
  readonly per?: string;
  /** Stands before the number: `$`. */
  readonly before?: string;
  /** Seconds that are written as `2 h 48 min` from a minute on, for a unit of time: how many seconds 1 is. */
  readonly seconds?: number;
  /** `[word for 0, word for the rest]`. */
  readonly words?: readonly [string, string];
  /** What an axis counts in. */
  readonly base: 2 | 10 | 60;
}

const si = (symbol: string): Unit['steps'] => [
  [1e12, `T${symbol}`],
  [1e9, `G${symbol}`],
  [1e6, `M${symbol}`],
  [1e3, `k${symbol}`],
  [1, symbol],
];

const iec = (symbol: string): Unit['steps'] => [
  [2 ** 50, `Pi${symbol}`],
  [2 ** 40, `Ti${symbol}`],
  [2 ** 30, `Gi${symbol}`],
  [2 ** 20, `Mi${symbol}`],
  [2 ** 10, `Ki${symbol}`],
  [1, symbol],
];

const decimal = (symbol: string, rest: Partial<Unit> = {}): Unit => ({ steps: si(symbol), base: 10, ...rest });
const binary = (symbol: string, per?: string): Unit => ({ steps: iec(symbol), base: 2, per });
const plain = (symbol: string, rest: Partial<Unit> = {}): Unit => ({ steps: [[1, symbol]], base: 10, ...rest });
const words = (no: string, yes: string): Unit => ({ steps: [[1, '']], base: 10, words: [no, yes] });
const rate = (symbol: string): Unit => decimal(symbol, { per: '/s' });

/** A stretch of time, of which 1 is so many seconds. */
const time = (seconds: number): Unit => ({
  steps: [
    [1 / seconds, 's'],
    [1e-3 / seconds, 'ms'],
    [1e-6 / seconds, 'µs'],
    [1e-9 / seconds, 'ns'],
  ],
  seconds,
  base: 60,
});

/** By our names and by those that dashboards imported from Grafana carry. */
const units = new Map<string, Unit>(
  Object.entries({
    short: decimal(''),
    none: decimal(''),
    sishort: decimal(''),
    percent: plain('%'),
    percentunit: plain('%', { times: 100 }),
    bytes: binary('B'),
    'bytes/s': binary('B', '/s'),
    Bps: binary('B', '/s'),
    binBps: binary('B', '/s'),
    kbytes: { ...binary('B'), times: 2 ** 10 },
    mbytes: { ...binary('B'), times: 2 ** 20 },
    gbytes: { ...binary('B'), times: 2 ** 30 },
    decbytes: decimal('B'),
    decBps: rate('B'),
    bits: binary('bit'),
    decbits: decimal('bit'),
    bps: rate('bit'),
    binbps: binary('bit', '/s'),
    pps: rate('p'),
    ops: rate('ops'),
    reqps: rate('req'),
    rps: rate('reads'),
    wps: rate('writes'),
    iops: rate('io'),
    eps: rate('events'),
    mps: rate('msg'),
    cps: rate('c'),
    hertz: decimal('Hz'),
    rothz: decimal('Hz'),
    rotrpm: plain('rpm'),
    celsius: plain('°C'),
    fahrenheit: plain('°F'),
    kelvin: plain('K'),
    humidity: plain('%'),
    watt: decimal('W'),
    kwatt: decimal('W', { times: 1e3 }),
    watth: decimal('Wh'),
    kwatth: decimal('Wh', { times: 1e3 }),
    voltamp: decimal('VA'),
    volt: decimal('V'),
    amp: decimal('A'),
    ohm: decimal('Ω'),
    joule: decimal('J'),
    dB: plain('dB'),
    dBm: plain('dBm'),
    ppm: plain('ppm'),
    degree: plain('°'),
    lengthm: decimal('m'),
    velocityms: plain('m/s'),
    velocitykmh: plain('km/h'),
    pressurehpa: plain('hPa'),
    currencyUSD: decimal('', { before: '$' }),
    currencyEUR: decimal('', { before: '€' }),
    currencyGBP: decimal('', { before: '£' }),
    currencyJPY: decimal('', { before: '¥' }),
    duration: time(1),
    s: time(1),
    dtdurations: time(1),
    ns: time(1e-9),
    µs: time(1e-6),
    ms: time(1e-3),
    dtdurationms: time(1e-3),
    m: time(60),
    h: time(3600),
    d: time(86_400),
    bool: words('false', 'true'),
    bool_yes_no: words('no', 'yes'),
    bool_on_off: words('off', 'on'),
  }),
);

/** Bounded: a unit is typed by people, letter by letter. */
const others = new Map<string, Unit>();

/** The unit of that name; one that nobody knows is written as it is. */
export function unitOf(name: string): Unit {
  const known = units.get(name) ?? others.get(name);
  if (known) return known;
  const [, kind, symbol = ''] = /^(si|suffix|prefix|short|currency):(.*)$/.exec(name) ?? [];
  const unit =
    kind === 'si'
      ? decimal(symbol)
      : kind === 'prefix' || kind === 'currency'
        ? plain('', { before: symbol })
        : plain((kind ? symbol : name).slice(0, 24));
  if (others.size > 200) others.clear();
  others.set(name, unit);
  return unit;
}

/** What the settings offer: `[name, for people]`. */
export const commonUnits: readonly (readonly [string, string])[] = [
  ['short', 'Number: 12.3 k'],
  ['percent', 'Percent, 0 to 100'],
  ['percentunit', 'Percent, 0 to 1'],
  ['bytes', 'Bytes: KiB, MiB'],
  ['bytes/s', 'Bytes a second'],
  ['decbytes', 'Bytes: kB, MB'],
  ['bps', 'Bits a second'],
  ['duration', 'Seconds: 41 ms, 2 h 5 min'],
  ['ms', 'Milliseconds'],
  ['ops', 'Operations a second'],
  ['reqps', 'Requests a second'],
  ['hertz', 'Hertz'],
  ['celsius', 'Degrees Celsius'],
  ['watt', 'Watts'],
  ['currencyEUR', 'Euros'],
  ['currencyUSD', 'Dollars'],
  ['bool_yes_no', 'Yes or no'],
];
