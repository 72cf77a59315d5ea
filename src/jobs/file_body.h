// A stored file as the body of an answer.
#pragma once
#include <memory>

#include "api/http_types.h"
#include "jobs/file_store.h"

namespace fealty::jobs {

// Of known length; it can begin anywhere. The file may be removed meanwhile: its bytes stay until they are sent.
std::shared_ptr<api::BodyStream> body_of(std::unique_ptr<StoredFile> file);

}  // namespace fealty::jobs
