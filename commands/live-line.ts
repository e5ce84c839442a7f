/** One line at the bottom of a terminal that is written over. What is written above it moves it down. */
import type { Stream } from './output.ts';

export interface LiveLine {
  /** Shows `text`, which must fit; an empty one takes the line away. */
  show(text: string): void;
  /** Takes the line away and frees the terminal; it may be shown again. */
  stop(): void;
}

/** Columns that the spinner takes before the text, and the last one, which some terminals wrap at. */
export const liveLineMargin = 3;

/** The spinner is loaded when something is first shown: commands that are quick do without. */
export function openLiveLine(stream: Stream, colored: boolean): LiveLine {
  let text = '';
  let spinner: import('ora').Ora | undefined;
  let loading = false;
  const update = () => {
    if (!spinner) return;
    spinner.text = text;
    // Stopping one that does not spin would show a cursor that was never hidden.
    if (text === '' && spinner.isSpinning) spinner.stop();
    else if (text !== '' && !spinner.isSpinning) spinner.start();
  };
  const load = async () => {
    const { default: ora } = await import('ora');
    const color = colored ? 'cyan' : false;
    // discardStdin would put the terminal into raw mode, and Ctrl-C would no longer come as a signal.
    spinner = ora({ stream, color, discardStdin: false, isEnabled: true });
    update();
  };
  return {
    show(next) {
      text = next;
      update();
      if (loading) return;
      loading = true;
      void load();
    },
    stop() {
      text = '';
      update();
    },
  };
}
