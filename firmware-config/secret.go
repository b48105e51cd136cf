package firmwareconfig

import (
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"lanewarden/drivers/message"
)

// credentialsVariable names the folder in which systemd gives a service its credentials (systemd.exec(5),
// LoadCredential=), credentialsDir that of laned, for those who check a lane file from a shell.
const (
	credentialsVariable = "CREDENTIALS_DIRECTORY"
	credentialsRoot     = "/run/credentials/"
	credentialsDir      = credentialsRoot + "laned.service"
)

// expandCredentials returns a file's path with the folder of credentials in place of ${CREDENTIALS_DIRECTORY} at its
// beginning. No other variable is known: a lane file says the same for everybody.
func expandCredentials(path string) string {
	rest, ok := strings.CutPrefix(path, "${"+credentialsVariable+"}/")
	if !ok {
		return path
	}
	dir := os.Getenv(credentialsVariable)
	if dir == "" {
		dir = credentialsDir
	}
	return strings.TrimSuffix(dir, "/") + "/" + rest
}

// secretFiles are the settings that name files with secrets in them.
var secretFiles = []string{"key_file", "password_file", "token_file", "accounts_file"}

// Warnings returns what is not wrong in a lane file, and yet somebody should look at: files with secrets that others
// than their owner can read.
func (c *Config) Warnings() (out []message.Message) {
	look := func(where string, settings any) {
		eachField(reflect.ValueOf(settings), "", func(path string, f field, v reflect.Value) bool {
			if file, ok := v.Interface().(string); ok && slices.Contains(secretFiles, f.name) && file != "" {
				if info, err := os.Stat(file); err == nil && open(file, info) {
					out = append(out, message.New("config.secret-open", message.String("setting", where+"."+path),
						message.String("file", file), message.String("mode", info.Mode().Perm().String())))
				}
			}
			return f.builtin == "" && v.Kind() == reflect.Struct
		})
	}
	if c.Uplink != nil {
		look("uplink", *c.Uplink)
	}
	look("console", c.Console)
	for _, d := range c.Devices {
		look(d.ID, d.Settings)
	}
	return out
}

// open reports whether others can read a file with a secret: everybody, or a group unless the file is root's, who so
// gives it to the user of a service. Credentials of systemd have rights of their own beside the mode.
func open(path string, info fs.FileInfo) bool {
	if strings.HasPrefix(path, credentialsRoot) {
		return false
	}
	mode := info.Mode().Perm()
	owner, ok := info.Sys().(*syscall.Stat_t)
	return mode&0o007 != 0 || mode&0o070 != 0 && (!ok || owner.Uid != 0)
}
