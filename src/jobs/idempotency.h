// access/idempotency.h under the names by which the rooms above know it.
#pragma once
#include "access/idempotency.h"

namespace fealty::jobs {

using access::AnswerKey;
using access::find_answer;
using access::find_answers;
using access::keep_answer;
using access::keep_new_answers;
using access::KeptAnswer;
using access::kIdempotencyKeyCharactersMax;
using access::kIdempotencyMs;
using access::NewAnswer;
using access::remove_old_answers;

}  // namespace fealty::jobs
