/** Property tests try the same values each time, so that a run that fails fails again; DASHWIRE_SEED=n tries others. */
import { configureGlobal } from 'fast-check';

configureGlobal({ seed: Number(process.env.DASHWIRE_SEED ?? 20261123) });
