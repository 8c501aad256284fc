// Keeps signals away from the threads that compute.
//
// The matrix products of libtensorflow's oneDNN use the stack pointer as one more register. A signal handler that runs in
// the middle of one writes its frame into the heap: about one signal in five hundred during training ends in "corrupted
// size vs. prev_size". So the thread that loads the binding, and with it all that TensorFlow starts, blocks the signals
// that Node handles, and a thread of our own takes them; Node's handlers only write to a pipe, whichever thread they run on.
//
// SIGPROF stays: a profile without samples would mislead. To profile, set TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL=0.

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <initializer_list>

namespace {

void *TakeSignals(void *) {
  for (;;) pause();
}

__attribute__((constructor)) void KeepSignalsAway() {
  pthread_t thread;
  if (pthread_create(&thread, nullptr, TakeSignals, nullptr) != 0) return;
  pthread_detach(thread);
  sigset_t handled;
  sigemptyset(&handled);
  for (int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD, SIGWINCH, SIGCONT, SIGALRM}) {
    sigaddset(&handled, signal);
  }
  pthread_sigmask(SIG_BLOCK, &handled, nullptr);
}

}  // namespace
