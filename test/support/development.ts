import { setProduction } from '../../subgraphs/kernel/environment/mode.ts';

/** Tests run in development, as their peers listen on this machine without TLS. */
setProduction(false);
