/** Wrong codes of the progress of a case in a minute, of one caller. */
export interface ProgressLimits {
  progressTries: number;
}
