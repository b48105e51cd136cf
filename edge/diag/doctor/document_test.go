package doctor

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"lanewarden/drivers/message"
)

var update = flag.Bool("update", false, "write the table of causes into docs/diagnosis.md")

const document = "../../../docs/diagnosis.md"

// table matches the table of causes, with the marks around it.
var table = regexp.MustCompile(`(?s)(<!-- causes: [^\n]*-->\n).*?(<!-- end of causes -->)`)

// The table of causes in the documentation is the one of the catalogue.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if !table.Match(text) {
		t.Fatalf("%s has no table of causes", document)
	}
	want := table.ReplaceAllString(string(text), "${1}"+strings.ReplaceAll(causes(), "$", "$$")+"${2}")
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatalf("%s does not have the causes of the catalogue: go test ./edge/diag/doctor -run Document -update", document)
	}
	if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// causes writes the table.
func causes() string {
	var b strings.Builder
	b.WriteString("| cause | | what it means | comes after |\n|---|---|---|---|\n")
	for _, code := range message.Causes() {
		c, _ := message.CauseOf(code)
		after := ""
		if len(c.DependsOn) > 0 {
			after = "`" + strings.Join(c.DependsOn, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", code, c.Severity, c.Means, after)
	}
	return b.String()
}
