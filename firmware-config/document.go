package firmwareconfig

import (
	"crypto/sha256"
	"embed"
	"os"
	"path"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/firmware-config/policy"
)

// builtin are the documents that settings name: device profiles, substance libraries, policies of clearance and of
// cases.
//
//go:embed cases/*.yaml plc/*.yaml policies/*.yaml profiles/*.yaml scenarios/*.yaml substances/*.yaml web/*.yaml
var builtin embed.FS

// Folders of the built-in documents.
const (
	CasePolicies = "cases"
	PLC          = "plc"
	Policies     = "policies"
	Profiles     = "profiles"
	Scenarios    = "scenarios"
	Substances   = "substances"
	Web          = "web"
)

// ErrNotBuiltin is in the error of ReadDocument for a name that no built-in document has.
var ErrNotBuiltin = message.Errorf("config.by-path")

// Builtin lists the names of the built-in documents of a folder, sorted; nil for a folder that is not there.
func Builtin(folder string) (names []string) {
	entries, err := builtin.ReadDir(folder)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// ReadDocument reads a document, a profile or a library: one that is built in by its name, any other by its file's
// path, which has a '/' or ends in .yaml. It returns the name under which problems are reported. The error wraps
// ErrNotBuiltin for an unknown name, is that of os.ReadFile for a file that cannot be read, and Problems for one over
// 4 MiB.
func ReadDocument(folder, name string) (data []byte, file string, err error) {
	return readDocument(folder, name, "")
}

// readDocument is ReadDocument where paths that are not absolute are below a folder; "" for the working directory.
func readDocument(folder, name, dir string) (data []byte, file string, err error) {
	if isPath(name) {
		file := name
		if dir != "" {
			if file, err = below(dir, name); err != nil {
				return nil, name, err
			}
		}
		data, err = os.ReadFile(file)
		if err == nil && len(data) > maxFileBytes {
			err = Problems{{File: name, Message: tooLarge(len(data))}}
		}
		return data, name, err
	}
	file = path.Join(folder, name+".yaml")
	if data, err = builtin.ReadFile(file); err != nil {
		none := message.New("config.no-builtin", message.Quoted("name", name), message.String("folder", folder))
		said := suggest(message.Join("; ", none, message.Of(ErrNotBuiltin)), name, Builtin(folder))
		return nil, file, &message.Error{Message: said, Err: ErrNotBuiltin}
	}
	return data, file, nil
}

// LoadDocument reads and decodes a document strictly into what ref refers to, with its name and SHA-256. The error is
// Problems when it is wrong, and else that of ReadDocument.
func LoadDocument(ref driver.Reference, folder, name string) error {
	return loadDocument(ref, folder, name, "")
}

// loadDocument is LoadDocument where paths that are not absolute are below a folder; "" for the working directory.
func loadDocument(ref driver.Reference, folder, name, dir string) error {
	data, file, err := readDocument(folder, name, dir)
	if err != nil {
		return err
	}
	body, err := document(data, file)
	if err != nil {
		return err
	}
	d, sum := &decoder{file: file, dir: dir}, sha256.Sum256(data)
	into := ref.Into(name, sum)
	d.structure(body, reflect.ValueOf(into).Elem(), "")
	if named, ok := into.(identified); ok {
		named.SetSum(sum)
	}
	return d.err()
}

// identified is a document that must know which it is: decisions name it.
type identified interface{ SetSum(sum [32]byte) }

// ReadFile reads and decodes a YAML file strictly into what into points to, whose tags are those of a lane file. The error
// is Problems when the file is wrong, and else that of reading it.
func ReadFile(file string, into any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if len(data) > maxFileBytes {
		return Problems{{File: file, Message: tooLarge(len(data))}}
	}
	body, err := document(data, file)
	if err != nil {
		return err
	}
	d := &decoder{file: file}
	d.structure(body, reflect.ValueOf(into).Elem(), "")
	return d.err()
}

// ReadPolicy reads a policy of clearance: a built-in one by its name, any other by its file's path. sum is the SHA-256 of
// its file. Errors are those of LoadDocument.
func ReadPolicy(name string) (p *policy.Policy, sum [32]byte, err error) {
	var ref driver.Ref[policy.Policy]
	if err := LoadDocument(&ref, Policies, name); err != nil {
		return nil, [32]byte{}, err
	}
	return ref.Value, ref.SHA256, nil
}

// ParsePolicy decodes a policy of clearance strictly. file is its name in messages. The error is Problems, with
// everything that is wrong.
func ParsePolicy(data []byte, file string) (*policy.Policy, error) {
	if len(data) > maxFileBytes {
		return nil, Problems{{File: file, Message: tooLarge(len(data))}}
	}
	body, err := document(data, file)
	if err != nil {
		return nil, err
	}
	d, p := &decoder{file: file}, &policy.Policy{SHA256: sha256.Sum256(data)}
	d.structure(body, reflect.ValueOf(p).Elem(), "")
	return p, d.err()
}

// reference decodes the document that a setting names. What is wrong in it is reported at its own lines.
func (d *decoder) reference(n ast.Node, ref driver.Reference, f field, path string) {
	if _, ok := n.(ast.ScalarNode); !ok {
		d.problem(n, place(path), unexpected(f.what(), n))
		return
	}
	switch err := loadDocument(ref, f.builtin, n.GetToken().Value, d.dir).(type) {
	case nil:
	case Problems:
		d.problems = append(d.problems, err...)
	default:
		d.problem(n, place(path), message.Of(err))
	}
}
