package main

import (
	"testing"

	"lanewarden/cmd/internal/deploytest"
)

// What docs/deploy has the image of this program run is what the program takes.
func TestDeployments(t *testing.T) { deploytest.Arguments(t, program(), "hub") }
