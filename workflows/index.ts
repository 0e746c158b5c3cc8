/** What the `sessions` worker runs. The bundle's entry: every export is a workflow type. */
export { promotions } from './promotions.ts';
export { session } from './session.ts';
