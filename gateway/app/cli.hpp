// The command line: which command, with what, and how faults are shown.
#pragma once

namespace banyan::app {

// What a command ends with.
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kWrongUse = 2,  // wrong use, or bad settings
};

// Runs the command that the arguments name and returns its exit code. Prints data to standard output, complaints to
// standard error; faults of a settings file are what check-config is asked for, so there they are data.
int run_command_line(int argc, char** argv);

}  // namespace banyan::app
