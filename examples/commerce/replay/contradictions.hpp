#pragma once

#include <string>

#include "examples/commerce/replay/input.hpp"
#include "examples/commerce/replay/patient_client.hpp"
#include "sinew/async/task.hpp"

namespace commerce::replay {

// Takes the orders out of the input that sales has already, under the same id and with other
// content, and adds them to what is refused. Doing it again finds the same. Errors: those of
// PatientClient::send.
sinew::Task<void> refuse_contradictions(PatientClient& client, std::string sales_url, Input& input);

}  // namespace commerce::replay
