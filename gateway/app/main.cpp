#include <exception>
#include <iostream>

#include "gateway/app/cli.hpp"

int main(int argc, char** argv) {
  try {
    return banyan::app::run_command_line(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "banyan: " << error.what() << '\n';
    return banyan::app::kFailed;
  }
}
