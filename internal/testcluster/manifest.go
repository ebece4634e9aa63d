package testcluster

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"sigs.k8s.io/yaml"
)

// fieldManager owns what this package applies.
const fieldManager = "testcluster"

// applyTimeout bounds one helper call.
const applyTimeout = time.Minute

// Namespace creates a namespace with a random name and returns the name. Pods
// can be created in it: its service account exists. When tb ends the
// namespace is deleted, without waiting.
func (c *Cluster) Namespace(tb testing.TB) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), applyTimeout)
	defer cancel()
	core, err := typedcorev1.NewForConfig(c.config)
	if err != nil {
		tb.Fatal(err)
	}
	ns, err := core.Namespaces().Create(ctx, &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"},
	}, metav1.CreateOptions{FieldManager: fieldManager})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		err := core.Namespaces().Delete(context.Background(), ns.Name, metav1.DeleteOptions{})
		if err != nil {
			tb.Errorf("namespace %s: %v", ns.Name, err)
		}
	})
	err = c.await(ctx, "the service account default", func(ctx context.Context) error {
		_, err := core.ServiceAccounts(ns.Name).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return ns.Name
}

// ApplyManifest applies YAML documents in their order, server-side, as the
// field manager "testcluster", and takes over fields of other managers. A
// namespaced object without a namespace goes to "default".
func (c *Cluster) ApplyManifest(tb testing.TB, manifest []byte) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), applyTimeout)
	defer cancel()
	if err := c.Apply(ctx, manifest); err != nil {
		tb.Fatal(err)
	}
}

// ApplyCRDs applies every *.yaml file of dir and waits until the
// CustomResourceDefinitions among them are served, as ApplyManifest does too.
func (c *Cluster) ApplyCRDs(tb testing.TB, dir string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), applyTimeout)
	defer cancel()
	if err := c.ApplyDir(ctx, dir); err != nil {
		tb.Fatal(err)
	}
}

// Apply is ApplyManifest outside a test.
func (c *Cluster) Apply(ctx context.Context, manifest []byte) error {
	objects, err := decode(manifest)
	if err != nil {
		return err
	}
	return c.applyAll(ctx, objects)
}

// ApplyDir is ApplyCRDs outside a test.
func (c *Cluster) ApplyDir(ctx context.Context, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no *.yaml in %q", dir)
	}
	var all []*unstructured.Unstructured
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		objects, err := decode(data)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, objects...)
	}
	return c.applyAll(ctx, all)
}

func decode(manifest []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest)))
	for {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(doc, &object.Object); err != nil {
			return nil, err
		}
		if len(object.Object) > 0 { // else only comments
			objects = append(objects, object)
		}
	}
}

// applyAll waits for CustomResourceDefinitions before it applies anything
// else that follows them, and at the end.
func (c *Cluster) applyAll(ctx context.Context, objects []*unstructured.Unstructured) error {
	var crds []*unstructured.Unstructured
	for _, object := range objects {
		isCRD := object.GetKind() == "CustomResourceDefinition"
		if !isCRD {
			if err := c.awaitServed(ctx, crds); err != nil {
				return err
			}
			crds = nil
		}
		if err := c.applyObject(ctx, object); err != nil {
			return fmt.Errorf("%s %q: %w", object.GetKind(), object.GetName(), err)
		}
		if isCRD {
			crds = append(crds, object)
		}
	}
	return c.awaitServed(ctx, crds)
}

func (c *Cluster) applyObject(ctx context.Context, object *unstructured.Unstructured) error {
	resource, err := c.resource(object)
	if apimeta.IsNoMatchError(err) { // perhaps somebody has added the kind
		c.mapper.Reset()
		resource, err = c.resource(object)
	}
	if err != nil {
		return err
	}
	_, err = resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	return err
}

// deleteAll deletes objects, without waiting until they are gone.
func (c *Cluster) deleteAll(ctx context.Context, objects []*unstructured.Unstructured) error {
	var errs []error
	for _, object := range objects {
		resource, err := c.resource(object)
		if err == nil {
			err = resource.Delete(ctx, object.GetName(), metav1.DeleteOptions{})
		}
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("%s %q: %w", object.GetKind(), object.GetName(), err))
		}
	}
	return errors.Join(errs...)
}

func (c *Cluster) resource(object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	gvk := object.GroupVersionKind()
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, err
	}
	resource := c.dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() != apimeta.RESTScopeNameNamespace {
		return resource, nil
	}
	if object.GetNamespace() == "" {
		object.SetNamespace(metav1.NamespaceDefault)
	}
	return resource.Namespace(object.GetNamespace()), nil
}

// awaitServed waits until the API server answers under the CRDs' paths, which
// it does a moment after it has set their condition Established.
func (c *Cluster) awaitServed(ctx context.Context, crds []*unstructured.Unstructured) error {
	core, err := typedcorev1.NewForConfig(c.config)
	if err != nil {
		return err
	}
	for _, crd := range crds {
		for _, path := range servedPaths(crd) {
			err := c.await(ctx, path+" to be served", func(ctx context.Context) error {
				return core.RESTClient().Get().AbsPath(path).Param("limit", "1").Do(ctx).Error()
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func servedPaths(crd *unstructured.Unstructured) []string {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	var paths []string
	for _, v := range versions {
		version, _ := v.(map[string]any)
		if version["served"] == true {
			paths = append(paths, fmt.Sprintf("/apis/%s/%s/%s", group, version["name"], plural))
		}
	}
	return paths
}
