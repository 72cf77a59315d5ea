// How the settings of mails become a sender.
#pragma once
#include <memory>

#include "app/settings.h"
#include "mail/sender.h"

namespace fealty::app {

// Logs where mails go. Throws OperatorError when the password cannot be read.
std::unique_ptr<mail::Transport> make_transport(ServeSettings const& settings);
// `own_url`: the beginning of links where no setting says it.
mail::SenderSettings sender_settings(ServeSettings const& settings, std::string const& own_url);

}  // namespace fealty::app
