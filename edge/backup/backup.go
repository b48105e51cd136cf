// Package backup copies the state of an agent or a hub, which may be running, into one file, and makes a state directory
// of such a file again. A backup is a tar archive that ordinary tools read; docs/operating.md lists its members.
package backup

import (
	"bytes"
	"io"
	"path"
	"time"

	"lanewarden/drivers/message"
)

// Kind says whose state a backup holds.
type Kind string

// The kinds.
const (
	Agent Kind = "agent"
	Hub   Kind = "hub"
)

// database returns the name of the database's member, which is its path in the state directory too. Artifacts are
// below artifacts/ in the same folder.
func (k Kind) database() string {
	switch k {
	case Agent:
		return "journal/journal.db"
	case Hub:
		return "ledger.db"
	}
	return ""
}

// Members that are no files of the state: the first and the last of each backup.
const (
	headerName   = "BACKUP"
	manifestName = "MANIFEST"
)

// sealedSuffix ends the names of members that are sealed with the passphrase. The restored file's name is without it.
const sealedSuffix = ".age"

// format names what this package writes, and reads.
const format = "lanewarden backup 1"

// maxSmall bounds, in bytes, what is held in memory whole: the header, and the files that are not database or artifact.
const maxSmall = 4 << 20

// Header is the first member of a backup, JSON: what the backup is of.
type Header struct {
	Format    string    `json:"format"`
	Kind      Kind      `json:"kind"`
	Software  string    `json:"software"` // version of the program that wrote it
	Created   time.Time `json:"created"`  // of the copy of the database
	Rows      int64     `json:"rows"`     // observations in the database
	Artifacts int64     `json:"artifacts"`
}

// Content is what goes into a backup.
type Content struct {
	Kind     Kind
	Software string
	Database Database
	Files    []File
}

// Database is the database of a state, with its artifacts.
type Database struct {
	Path string // artifacts are below artifacts/ beside it
	// Held is the condition (SQL) that selects from table artifact those that the state has whole.
	Held string
	// Removed is the statement (SQL) that notes in the copy of the database that an artifact, by its SHA-256, was
	// removed after the copy was made; "" where none is ever removed.
	Removed string
}

// File is a small file that is copied whole: a key, a list of accounts, a lane file.
type File struct {
	Name     string // path in the restored directory, with slashes
	Path     string // of the file to copy
	Sealed   bool   // with the passphrase: it holds a secret
	Optional bool   // it may be missing
}

// Options of Write and Restore.
type Options struct {
	// Passphrase is asked for the passphrase when there is something to seal or to open.
	Passphrase func() (string, error)
	// Watch is told how many bytes of all are done; nil for nobody.
	Watch func(done, all int64)
}

func (o Options) watch(done, all int64) {
	if o.Watch != nil {
		o.Watch(done, all)
	}
}

// Summary is what Write or Restore copied.
type Summary struct {
	Header
	Files int   // files of all kinds
	Bytes int64 // in these files

	// Removed is the number of artifacts that the agent removed to make room while they were copied.
	Removed int64
	// Wrong counts artifacts that are missing or not what their names say. The backup has them as they are.
	Wrong int64
	// Findings are the first of those.
	Findings []error
}

// maxFindings bounds how many artifacts are named one by one.
const maxFindings = 20

func (s *Summary) addFinding(name string, why error) {
	s.Wrong++
	if len(s.Findings) < maxFindings {
		s.Findings = append(s.Findings, message.Wrap(why, "backup.artifact", message.String("name", path.Base(name))))
	}
}

// artifactsOf returns the folder of artifacts, with slashes, that goes with a database.
func artifactsOf(database string) string { return path.Join(path.Dir(database), "artifacts") }

// firstBytes is how much of a file tells whether it is a backup: the name in the first tar header.
const firstBytes = 100

// isBackup reports whether a file begins as a backup does.
func isBackup(r io.Reader) bool {
	head := make([]byte, firstBytes)
	n, _ := io.ReadFull(r, head)
	name, _, found := bytes.Cut(head[:n], []byte{0})
	return found && string(name) == headerName
}
