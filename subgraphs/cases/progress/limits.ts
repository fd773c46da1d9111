/** Wrong codes of the progress of a case in a minute: of one caller, and for one case. */
export interface ProgressLimits {
  progressTries: number;
  progressTriesPerCase: number;
}
