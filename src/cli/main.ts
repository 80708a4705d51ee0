#!/usr/bin/env node
/** The program `dramatis`: this process's arguments, terminal and exit code. */
import { runCommand } from "./program.ts";
import { processTerminal } from "./terminal.ts";

process.exitCode = await runCommand(process.argv.slice(2), processTerminal());
