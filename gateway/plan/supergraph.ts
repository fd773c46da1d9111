import { readFileSync } from 'node:fs';

/** The schema of the gateway, and the limits of its planner. The gateway and its worker threads use the same. */

export const SUPERGRAPH_SDL = readFileSync(new URL('../supergraph.graphql', import.meta.url), 'utf8');

/** Plans that are compared for one operation, and ways to one field. The hub's schema needs one for each. */
export const PLANNER_LIMITS = { maxEvaluatedPlans: 100, pathsLimit: 100 };
