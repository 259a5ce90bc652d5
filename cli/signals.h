/*
 * Signals: an interrupt as a flag for commands that save their work, and the way a process ends so that its
 * shell sees the signal.
 */
#ifndef CZ_CLI_SIGNALS_H
#define CZ_CLI_SIGNALS_H

/* At start: SIGPIPE ignored (writes fail with EPIPE instead), closed standard streams replaced so that no
 * file that is opened later becomes stdout. */
void cz_signals_prepare(void);

/*
 * From now on SIGINT, SIGTERM and SIGHUP set a flag, the first time; a second one ends the process at once.
 * For commands that look at the flag: the others end by the signal as usual.
 */
void cz_signals_catch(void);

/* The signal that came, or 0. */
int cz_interrupted(void);

/* Ends the process by this signal, with its default action. Returns only if that is blocked. */
void cz_signal_raise(int signal_number);

#endif
