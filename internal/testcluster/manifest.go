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
	if _, err := c.Apply(ctx, manifest); err != nil {
		tb.Fatal(err)
	}
}

// ApplyCRDs applies every *.yaml file of dir and waits until the
// CustomResourceDefinitions among them are served.
func (c *Cluster) ApplyCRDs(tb testing.TB, dir string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), applyTimeout)
	defer cancel()
	if err := c.ApplyCRDDir(ctx, dir); err != nil {
		tb.Fatal(err)
	}
}

// Apply is ApplyManifest outside a test. It returns the objects as the API
// server stored them.
func (c *Cluster) Apply(ctx context.Context, manifest []byte) ([]*unstructured.Unstructured, error) {
	var applied []*unstructured.Unstructured
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest)))
	for {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return applied, nil
		}
		if err != nil {
			return applied, err
		}
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(doc, &object.Object); err != nil {
			return applied, err
		}
		if len(object.Object) == 0 { // only comments
			continue
		}
		object, err = c.applyObject(ctx, object)
		if err != nil {
			return applied, err
		}
		applied = append(applied, object)
	}
}

// ApplyCRDDir is ApplyCRDs outside a test.
func (c *Cluster) ApplyCRDDir(ctx context.Context, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no *.yaml in %s", dir)
	}
	var crds []*unstructured.Unstructured
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		applied, err := c.Apply(ctx, data)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		crds = append(crds, applied...)
	}
	for _, crd := range crds {
		if crd.GetKind() != "CustomResourceDefinition" {
			continue
		}
		if err := c.awaitServed(ctx, crd); err != nil {
			return err
		}
	}
	c.mapper.Reset()
	return nil
}

func (c *Cluster) applyObject(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	name := object.GetKind() + " " + object.GetName()
	resource, err := c.resource(object)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	applied, err := resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return applied, nil
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

// awaitServed waits until the API server answers under the CRD's path, which
// it does a moment after it has set the condition Established.
func (c *Cluster) awaitServed(ctx context.Context, crd *unstructured.Unstructured) error {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	core, err := typedcorev1.NewForConfig(c.config)
	if err != nil {
		return err
	}
	for _, v := range versions {
		version, _ := v.(map[string]any)
		if version["served"] != true {
			continue
		}
		path := fmt.Sprintf("/apis/%s/%s/%s", group, version["name"], plural)
		err := c.await(ctx, path+" to be served", func(ctx context.Context) error {
			return core.RESTClient().Get().AbsPath(path).Param("limit", "1").Do(ctx).Error()
		})
		if err != nil {
			return err
		}
	}
	return nil
}
