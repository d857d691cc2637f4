/**
 * Loaded into every process the supervisor starts (`--require`). When the supervisor is gone, however it ended, the channel to it
 * closes, and this process stops as if it had been asked to; an orphan would hold ports and files that the next start needs.
 */
const leaveWithinMs = 4_000;

process.once('disconnect', () => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), leaveWithinMs).unref();
  process.kill(process.pid, 'SIGTERM');
});
// The listener must not keep a process alive that has nothing else to do.
process.channel?.unref();
