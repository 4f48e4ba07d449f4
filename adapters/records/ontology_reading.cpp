#include <optional>
#include <utility>

#include "adapters/records/ontology.hpp"
#include "adapters/records/ontology_assembly.hpp"
#include "adapters/records/ontology_schema.hpp"

namespace banyan::records {
namespace {

using Documents = std::vector<tl::expected<yaml::Document, std::vector<yaml::Fault>>>;

tl::expected<Ontology, std::vector<yaml::Fault>> read(const Documents& documents, std::span<const std::string> names) {
  std::vector<OntologyFile> files(documents.size());
  OntologyAssembly assembly;
  bool all_there = true;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (!documents[i]) {
      all_there = false;
      continue;
    }
    ontology_schema().read(documents[i]->root(), files[i]);
    assembly.take(files[i], names[i]);
  }
  // Without one of the files much would seem to be missing that is not.
  if (all_there) assembly.check();
  std::vector<yaml::Fault> faults;
  for (const auto& document : documents) {
    const std::vector<yaml::Fault> own = document ? document->faults() : document.error();
    faults.insert(faults.end(), own.begin(), own.end());
  }
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  return Ontology(assembly.entities());
}

}  // namespace

tl::expected<Ontology, std::vector<yaml::Fault>> load_ontology(std::span<const std::string> files) {
  Documents documents;
  for (const std::string& file : files) {
    documents.push_back(file == kCrmOntology ? yaml::Document::parse(std::string(crm_ontology_text()), file, {})
                                             : yaml::Document::load(file));
  }
  return read(documents, files);
}

tl::expected<Ontology, std::vector<yaml::Fault>> parse_ontology(std::span<const OntologyText> texts) {
  Documents documents;
  std::vector<std::string> names;
  for (const OntologyText& text : texts) {
    documents.push_back(yaml::Document::parse(text.text, text.file, {}));
    names.push_back(text.file);
  }
  return read(documents, names);
}

std::vector<std::string> ontology_keys() {
  return ontology_schema().keys;
}

}  // namespace banyan::records
