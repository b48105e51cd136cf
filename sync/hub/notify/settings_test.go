package notify

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/sync/hub/ledger"
)

// example is the file of docs/telling.md, with the files that it names in a folder.
func example(t *testing.T) (text, dir string) {
	t.Helper()
	doc, err := os.ReadFile("../../../docs/telling.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), "```yaml\n")
	text, _, more := strings.Cut(rest, "```")
	if !ok || !more {
		t.Fatal("docs/telling.md has no example")
	}
	dir = t.TempDir()
	for _, name := range []string{"webhook-secret", "smtp-password", "ntfy-token"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, ca := authority(t)
	return strings.ReplaceAll(strings.ReplaceAll(text, "/etc/lanewarden/siem-ca.pem", ca), "/etc/lanewarden", dir), dir
}

// TestExample: the example of docs/telling.md is right.
func TestExample(t *testing.T) {
	text, _ := example(t)
	r, err := Read(write(t, "notify.yaml", text))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rules) != 3 || len(r.Receivers) != 4 || r.Rules[0].MaxAge == 0 || r.Rules[0].PerMinute == 0 || r.Rules[0].Personal {
		t.Errorf("%+v", r)
	}
}

// TestProblems: what is wrong with a file is told, with its place.
func TestProblems(t *testing.T) {
	text, dir := example(t)
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown key":     {"max_age:", "max_aeg:", `unknown key "max_aeg"; did you mean "max_age"?`},
		"no receiver":     {"to: [duty-phone", "to: [duty-fone", `there is no receiver "duty-fone"`},
		"kind":            {"radiation.*", "radiaton.*", "radiaton"},
		"class":           {"classes: [alarm]", "classes: [alarms]", `"alarms"`},
		"hours":           {"18:00-06:00", "late", `"late"`},
		"zone":            {"America/Winnipeg", "Mars", `"Mars"`},
		"two ways":        {"    ntfy:", "    syslog: {address: 'x:1', transport: udp}\n    ntfy:", "give one of webhook"},
		"address":         {"duty@site.example", "duty", `"duty" is no mail address`},
		"header":          {"duty@site.example]", "\"duty@site.example\\r\\nBcc: x@y.example\"]", "is no mail address"},
		"clear password":  {"tls: starttls", "tls: none", "without encryption"},
		"id twice":        {"- id: siem", "- id: duty-phone", "duty-phone"},
		"missing secret":  {"webhook-secret", "none", "none"},
		"topic":           {"topic: lanes-7f3a", "topic: a b", "is no topic"},
		"too many":        {"per_minute: 600", "per_minute: 60000", "6000"},
		"not an URL":      {"https://risk.example/lanewarden", "ftp://risk.example", "ftp://risk.example"},
		"required secret": {"secret_file: " + dir + "/webhook-secret", "ca_file: ''", "secret_file"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(text, c.old) {
				t.Fatalf("%q is not in the example", c.old)
			}
			_, err := Read(write(t, "notify.yaml", strings.Replace(text, c.old, c.new, 1)))
			if err == nil || !strings.Contains(message.Of(err).English(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
	if err := os.Chmod(filepath.Join(dir, "smtp-password"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Read(write(t, "notify.yaml", text))
	if err == nil || !strings.Contains(err.Error(), "others can read it") {
		t.Errorf("a secret of mode 0644: %v", err)
	}
}

// TestSettingsInBothLanguages: each key has its help.
func TestSettingsInBothLanguages(t *testing.T) {
	for _, typ := range []reflect.Type{reflect.TypeFor[Rules](), reflect.TypeFor[Receiver](), reflect.TypeFor[Webhook](), reflect.TypeFor[Email](),
		reflect.TypeFor[Syslog](), reflect.TypeFor[Ntfy](), reflect.TypeFor[Rule]()} {
		for i := range typ.NumField() {
			if code := "setting.notify." + strings.ToLower(typ.Name()) + "." + typ.Field(i).Tag.Get("yaml"); !message.Known(code) {
				t.Errorf("the catalogue has no %s", code)
			}
		}
	}
}

// canary stands in every text of a body.
const canary = "CANARY"

// fill fills each text, each bytes and each list of a message, to a depth.
func fill(m protoreflect.Message, depth int, only func(protoreflect.FieldDescriptor, protoreflect.MessageDescriptor) bool) {
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		var v protoreflect.Value
		switch {
		case f.IsMap() || f.ContainingOneof() != nil && f.ContainingOneof().Name() == "of":
			continue
		case f.Message() != nil && depth > 0:
			v = m.NewField(f)
			if f.IsList() {
				e := v.List().NewElement()
				fill(e.Message(), depth-1, only)
				v.List().Append(e)
			} else {
				fill(v.Message(), depth-1, only)
			}
			m.Set(f, v)
			continue
		case f.Kind() == protoreflect.StringKind && only(f, m.Descriptor()):
			v = protoreflect.ValueOfString(canary)
		case f.Kind() == protoreflect.BytesKind && only(f, m.Descriptor()):
			v = protoreflect.ValueOfBytes([]byte(canary))
		default:
			continue
		}
		if f.IsList() {
			list := m.NewField(f)
			list.List().Append(v)
			v = list
		}
		m.Set(f, v)
	}
}

// TestNoNamesGoOut: of no kind does a personal value, the name of an account or a plate go out, unless the rule says so.
func TestNoNamesGoOut(t *testing.T) {
	isName := func(f protoreflect.FieldDescriptor, m protoreflect.MessageDescriptor) bool {
		for _, n := range accountFields[m.Name()] {
			if n == f.Name() {
				return true
			}
		}
		return personal.IsPersonal(f)
	}
	said := 0
	of := (*observation.Body)(nil).ProtoReflect().Descriptor().Oneofs().ByName("of").Fields()
	for i := range of.Len() {
		body := &observation.Body{}
		typed := body.ProtoReflect().NewField(of.Get(i))
		fill(typed.Message(), 4, isName)
		body.ProtoReflect().Set(of.Get(i), typed)
		text, err := proto.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		e := ledger.Event{Seq: 1, Site: "s", Agent: "a", Journal: []byte{1}, Class: observation.Class_CLASS_ALARM, Kind: body.Kind(), Body: text}
		e.Passage, e.Plate, e.Other.Plate = "p", canary, canary
		for _, with := range []bool{false, true} {
			r := standard
			r.Personal = with
			l := (&writer{rule: &r, to: &Receiver{ID: "x"}}).newLetter(&e, "", "c")
			if all := l.text() + string(l.body); strings.Contains(all, canary) != with {
				t.Errorf("%s, personal %v: %s", e.Kind.Name(), with, all)
			} else if !strings.Contains(all, "undecoded") {
				said++
			}
		}
	}
	if said < 100 {
		t.Errorf("%d letters say what their rows say", said)
	}
}

// TestAccountFields: each field of the schema that has a person's or an account's name by its name is in the table.
func TestAccountFields(t *testing.T) {
	seen := map[protoreflect.FullName]bool{}
	var walk func(m protoreflect.MessageDescriptor)
	walk = func(m protoreflect.MessageDescriptor) {
		if seen[m.FullName()] {
			return
		}
		seen[m.FullName()] = true
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			if f.Message() != nil {
				walk(f.Message())
			}
			name := string(f.Name())
			suspect := name == "by" || name == "user" || name == "account" || name == "peer" || name == "commander" || name == "officer" ||
				strings.HasSuffix(name, "_by")
			if f.Kind() != protoreflect.StringKind || !suspect || personal.IsPersonal(f) {
				continue
			}
			listed := false
			for _, n := range accountFields[m.Name()] {
				listed = listed || n == f.Name()
			}
			if !listed {
				t.Errorf("%s.%s may name a person, and goes out", m.Name(), name)
			}
		}
	}
	walk((*observation.Body)(nil).ProtoReflect().Descriptor())
}
