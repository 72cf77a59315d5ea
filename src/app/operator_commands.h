// The commands of an operator with shell access. They work on the installation's database, also while servers run on it.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <vector>

namespace fealty::app {

// Adds community, api-key, field, account, role and tag. The chosen command's work is appended to `chosen`; it returns the exit
// status and throws OperatorError.
void add_operator_commands(CLI::App& app, std::vector<std::function<int()>>& chosen);
// Adds migrate, doctor, backup and restore.
void add_maintenance_commands(CLI::App& app, std::vector<std::function<int()>>& chosen);

}  // namespace fealty::app
