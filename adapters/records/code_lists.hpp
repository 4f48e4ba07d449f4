// The codes of ISO 3166-1 and ISO 4217. Internal to the canonical forms.
#pragma once

#include <string_view>

namespace banyan::records {

// Both in upper case.
bool is_country_code(std::string_view code);   // alpha-2
bool is_currency_code(std::string_view code);  // alphabetic; also those withdrawn since 2020, which old records hold

}  // namespace banyan::records
