// Keeps libtensorflow from telling on stderr that it uses oneDNN. It does so while it is loaded, before anybody can set up its
// logging, and TF_CPP_MIN_LOG_LEVEL is not asked at that time: so this runs earlier still (see initfirst in build.sh).

#if __has_include("absl/log/globals.h")

#include "absl/base/log_severity.h"
#include "absl/log/globals.h"

namespace {

__attribute__((constructor)) void KeepQuiet() { absl::SetMinLogLevel(absl::LogSeverityAtLeast::kError); }

}  // namespace

#endif
