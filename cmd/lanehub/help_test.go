package main

import (
	"testing"

	"lanewarden/cmd/internal/cli/clitest"
)

// Every text of the help is of the catalogue, and so in both languages.
func TestHelp(t *testing.T) { clitest.Help(t, program()) }
