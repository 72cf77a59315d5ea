// access/once.h under the names by which the rooms above know it.
#pragma once
#include "access/once.h"

namespace fealty::jobs {

using access::once;
using access::once_key;
using access::OnceKey;

}  // namespace fealty::jobs
