package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// readmeCommand is one of the programs with its arguments, in a line of README that is set apart as code.
var readmeCommand = regexp.MustCompile(`(?:^    |&& |\$\()bin/(\w+)((?: [^#|&)\n]+)?)`)

// flagName is a long flag in a command line.
var flagName = regexp.MustCompile(` (--[a-z-]+)`)

// TestReadme asks the help of each command that README names: the command exists under that name, and knows its flags.
// testdata/readme.txtar runs those that need no running lane.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "    ") {
			continue
		}
		for _, m := range readmeCommand.FindAllStringSubmatch(line, -1) {
			n++
			checkCommand(t, m[1], strings.Fields(m[2]))
		}
	}
	if n < 15 {
		t.Errorf("only %d commands were found", n)
	}
}

// checkCommand asks a program for the help of its subcommand: the words before the first that is no name of a command.
func checkCommand(t *testing.T, program string, args []string) {
	t.Helper()
	line := " " + strings.Join(args, " ")
	words := []string{program}
	for _, a := range args {
		next, err := exec.Command(filepath.Join(bin, program), append(words[1:len(words):len(words)], a, "--help")...).Output()
		if err != nil || !strings.Contains(string(next), "\n  "+strings.Join(append(words, a), " ")) {
			break
		}
		words = append(words, a)
	}
	if len(words) == 1 {
		t.Errorf("README: %s has no command %s", program, line)
		return
	}
	help, err := exec.Command(filepath.Join(bin, program), append(words[1:], "--help")...).CombinedOutput()
	if err != nil {
		t.Errorf("README: %s: %v: %s", line, err, help)
	}
	for _, f := range flagName.FindAllStringSubmatch(line, -1) {
		if !strings.Contains(string(help), f[1]+" ") && !strings.Contains(string(help), f[1]+"\n") {
			t.Errorf("README: %s does not know %s", strings.Join(words, " "), f[1])
		}
	}
}
