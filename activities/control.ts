/** What the control worker answers to: the judgements and records of a session, as local activities. */
import type { ControlActivities } from '../temporal/contract/messages.ts';
import { createAdmissionActivities } from './admit.ts';
import type { AdmissionPorts } from './admit.ts';
import { createDecisionActivities } from './decisions.ts';
import type { DecisionPorts } from './decisions.ts';
import { createInspectionActivities } from './inspect.ts';
import type { InspectionPorts } from './inspect.ts';
import { createRecordActivities } from './records.ts';
import type { RecordPorts } from './records.ts';

export type ControlPorts = AdmissionPorts & InspectionPorts & DecisionPorts & RecordPorts;

export const createControlActivities = (ports: ControlPorts): ControlActivities => ({
  ...createAdmissionActivities(ports),
  ...createInspectionActivities(ports),
  ...createDecisionActivities(ports),
  ...createRecordActivities(ports),
});
