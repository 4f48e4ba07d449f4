// How the settings of an HttpClient are read, wherever they stand: a client can be made of what these take.
#pragma once

#include <string>

#include "gateway/base/yaml_schema.hpp"

namespace banyan::legacy {

// scheme://authority[/path], without the slashes at its end: no user, query or fragment, which belong elsewhere.
yaml::Reader<std::string> base_url();

// A PEM file with at least one certificate; relative to the directory of the file that names it.
yaml::Reader<std::string> ca_file();

}  // namespace banyan::legacy
