"""Every code that composition can say, as data: errors refuse a supergraph, hints accept it and raise an eyebrow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Level(StrEnum):
    """How much attention a hint deserves."""

    WARN = "WARN"
    INFO = "INFO"
    DEBUG = "DEBUG"


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """A place in the SDL of one subgraph, where a problem can be seen."""

    subgraph: str | None
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Leg:
    """One step of a query, and the subgraphs in which the answer may be by then."""

    coordinate: str
    subgraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Journey:
    """The way of a query that can't be answered: how far it gets, and what it can't get from there."""

    query: str
    legs: tuple[Leg, ...]
    # The subgraphs that can be entered at the end of the way.
    reached: tuple[str, ...]
    # The field that none of them answers; none, if it is the type of the object that can't be told.
    missing: str | None


@dataclass(frozen=True, slots=True)
class CompositionError:
    """One reason why the subgraphs are no supergraph."""

    code: str
    message: str
    nodes: tuple[Node, ...] = ()
    journey: Journey | None = None


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that composes but looks odd."""

    code: str
    message: str
    coordinate: str | None = None
    nodes: tuple[Node, ...] = ()

    @property
    def level(self) -> Level:
        """The level that belongs to the code."""
        return HINTS[self.code].level


@dataclass(frozen=True, slots=True)
class ErrorMeaning:
    """What a code means and since which version of federation it is said."""

    since: str
    meaning: str


@dataclass(frozen=True, slots=True)
class HintMeaning:
    """What a hint means and how loudly it is said."""

    level: Level
    meaning: str


def _errors(table: str) -> Mapping[str, ErrorMeaning]:
    rows = (line.split(maxsplit=2) for line in table.strip().splitlines())
    return MappingProxyType({code: ErrorMeaning(since, meaning) for code, since, meaning in rows})


def _hints(table: str) -> Mapping[str, HintMeaning]:
    rows = (line.split(maxsplit=2) for line in table.strip().splitlines())
    return MappingProxyType({code: HintMeaning(Level(level), meaning) for code, level, meaning in rows})


ERRORS = _errors("""
AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE 2.9.4 Access control can't stand on an interface, its fields or an interface object.
CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS 2.7.0 An argument is filled from a context in some subgraphs and required from the client in others.
CONTEXT_INVALID_SELECTION 2.8.0 A @fromContext selection must end in exactly one field.
CONTEXT_NAME_INVALID 2.8.0 A context name is empty or has forbidden characters.
CONTEXT_NOT_SET 2.8.0 A context is read that no type sets.
CONTEXT_NO_RESOLVABLE_KEY 2.8.0 A type whose field reads a context has no resolvable key.
COST_APPLIED_TO_INTERFACE_FIELD 2.9.2 Costs belong to concrete fields, not to those of an interface.
DEFAULT_VALUE_USES_INACCESSIBLE 2.0.0 A visible default value mentions an inaccessible element.
DIRECTIVE_COMPOSITION_ERROR 2.1.0 A custom directive can't be carried into the supergraph.
DIRECTIVE_DEFINITION_INVALID 2.0.0 A known directive is defined differently from its specification.
DISALLOWED_INACCESSIBLE 2.0.0 This element may not be hidden.
DOWNSTREAM_SERVICE_ERROR 0.x A subgraph reported an error while a query ran.
EMPTY_MERGED_ENUM_TYPE 2.0.0 No value of the enum is common to all its subgraphs.
EMPTY_MERGED_INPUT_TYPE 2.0.0 No field of the input type is common to all its subgraphs.
ENUM_VALUE_MISMATCH 2.0.0 An enum used both for input and output differs between subgraphs.
EXTENSION_WITH_NO_BASE 0.x A type is extended that nobody defines.
EXTERNAL_ARGUMENT_DEFAULT_MISMATCH 2.0.0 An argument of an external field has another default than the real one.
EXTERNAL_ARGUMENT_MISSING 2.0.0 An external field lacks an argument of the real one.
EXTERNAL_ARGUMENT_TYPE_MISMATCH 2.0.0 An argument of an external field has another type than the real one.
EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE 2.1.0 This directive makes no sense beside @external.
EXTERNAL_MISSING_ON_BASE 0.x A field is external everywhere: nobody resolves it.
EXTERNAL_ON_INTERFACE 2.0.0 An interface field resolves nothing, hence can't be external.
EXTERNAL_TYPE_MISMATCH 0.x An external field has another type than the real one.
EXTERNAL_UNUSED 0.x An external field serves no key, requirement, provision or interface.
FIELD_ARGUMENT_DEFAULT_MISMATCH 2.0.0 An argument has different defaults in different subgraphs.
FIELD_ARGUMENT_TYPE_MISMATCH 2.0.0 An argument has incompatible types in different subgraphs.
FIELD_TYPE_MISMATCH 2.0.0 A field has incompatible types in different subgraphs.
IMPLEMENTED_BY_INACCESSIBLE 2.0.0 A hidden element implements a visible one.
INPUT_FIELD_DEFAULT_MISMATCH 2.0.0 An input field has different defaults in different subgraphs.
INTERFACE_FIELD_NO_IMPLEM 2.0.0 After merging, an implementation lacks a field of its interface.
INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE 2.3.0 A subgraph keys an interface without knowing all its implementations.
INTERFACE_KEY_NOT_ON_IMPLEMENTATION 2.3.0 A key of an interface is missing on one of its implementations.
INTERFACE_OBJECT_USAGE_ERROR 2.3.0 @interfaceObject is used wrongly.
INVALID_FEDERATION_SUPERGRAPH 2.1.0 A schema given as a supergraph is none.
INVALID_FIELD_SHARING 2.0.0 Several subgraphs resolve a field that not all of them share.
INVALID_GRAPHQL 2.0.0 A schema breaks a rule of the GraphQL specification.
INVALID_LINK_DIRECTIVE_USAGE 2.0.0 An application of @link breaks its specification.
INVALID_LINK_IDENTIFIER 2.1.0 The url or version of a @link can't be understood.
INVALID_SHAREABLE_USAGE 2.1.2 @shareable is used where nothing can be shared.
INVALID_SUBGRAPH_NAME 2.0.0 A subgraph can't have this name.
KEY_DIRECTIVE_IN_FIELDS_ARG 2.1.0 The fields of a @key carry directives.
KEY_FIELDS_HAS_ARGS 2.0.0 A key contains a field with arguments.
KEY_FIELDS_SELECT_INVALID_TYPE 0.x A key contains a field of a type that no key can have.
KEY_INVALID_FIELDS 2.0.0 The fields of a @key can't be read or do not exist.
KEY_INVALID_FIELDS_TYPE 2.0.0 The fields of a @key are not given as a string.
KEY_UNSUPPORTED_ON_INTERFACE 2.0.0 Keys on interfaces need federation 2.3.
LINK_IMPORT_NAME_MISMATCH 2.0.0 A merged directive is imported under different names.
LIST_SIZE_APPLIED_TO_NON_LIST 2.9.2 @listSize stands on a field that returns no list.
LIST_SIZE_INVALID_ASSUMED_SIZE 2.9.2 A list can't have a negative size.
LIST_SIZE_INVALID_SIZED_FIELD 2.9.2 A sized field does not exist or is no list.
LIST_SIZE_INVALID_SLICING_ARGUMENT 2.9.2 A slicing argument does not exist or is no integer.
MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED 2.8.0 Too many ways through the subgraphs to look at them all.
MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL 2.0.0 A merged directive stands on an external field.
MISSING_TRANSITIVE_AUTH_REQUIREMENTS 2.9.4 A field needs protected data without having its protection.
NO_CONTEXT_IN_SELECTION 2.8.0 A @fromContext selection names no context.
NO_QUERIES 2.0.0 No subgraph answers any query.
ONLY_INACCESSIBLE_CHILDREN 2.0.0 Everything inside of a visible type is hidden.
OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE 2.0.0 @override can't meet @external, @provides or @requires.
OVERRIDE_FROM_SELF_ERROR 2.0.0 A subgraph overrides a field of its own.
OVERRIDE_LABEL_INVALID 2.7.0 The label of an @override is malformed.
OVERRIDE_ON_INTERFACE 2.3.0 Fields of an interface can't be overridden.
OVERRIDE_SOURCE_HAS_OVERRIDE 2.0.0 The overridden field overrides another one itself.
PROVIDES_DIRECTIVE_IN_FIELDS_ARG 2.1.0 The fields of a @provides carry directives.
PROVIDES_FIELDS_HAS_ARGS 2.0.0 A provided field has arguments.
PROVIDES_FIELDS_MISSING_EXTERNAL 0.x A provided field is not external.
PROVIDES_INVALID_FIELDS 2.0.0 The fields of a @provides can't be read or do not exist.
PROVIDES_INVALID_FIELDS_TYPE 2.0.0 The fields of a @provides are not given as a string.
PROVIDES_ON_NON_OBJECT_FIELD 2.0.0 @provides stands on a field without sub-fields.
PROVIDES_UNSUPPORTED_ON_INTERFACE 2.0.0 @provides can't stand in an interface.
QUERY_ROOT_TYPE_INACCESSIBLE 2.0.0 The query type itself is hidden.
REFERENCED_INACCESSIBLE 2.0.0 A visible element refers to a hidden one.
REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH 2.0.0 An argument is mandatory here and unknown there.
REQUIRED_INACCESSIBLE 2.0.0 A hidden element is mandatory for a visible one.
REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH 2.0.0 An input field is mandatory here and unknown there.
REQUIRES_DIRECTIVE_IN_FIELDS_ARG 2.1.0 The fields of a @requires carry directives.
REQUIRES_FIELDS_MISSING_EXTERNAL 0.x A required field is not external.
REQUIRES_INVALID_FIELDS 2.0.0 The fields of a @requires can't be read or do not exist.
REQUIRES_INVALID_FIELDS_TYPE 2.0.0 The fields of a @requires are not given as a string.
REQUIRES_UNSUPPORTED_ON_INTERFACE 2.0.0 @requires can't stand in an interface.
ROOT_MUTATION_USED 0.x Another type than the mutation root is called Mutation.
ROOT_QUERY_USED 0.x Another type than the query root is called Query.
ROOT_SUBSCRIPTION_USED 0.x Another type than the subscription root is called Subscription.
SATISFIABILITY_ERROR 2.0.0 The supergraph would allow a query that the subgraphs can't answer.
SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES 2.0.0 A shared field can't return the same objects everywhere.
TYPE_DEFINITION_INVALID 2.0.0 A known type is defined differently from its specification.
TYPE_KIND_MISMATCH 2.0.0 A type has different kinds in different subgraphs.
TYPE_WITH_ONLY_UNUSED_EXTERNAL 2.0.0 A federation 1 type consists of nothing but unused external fields.
UNKNOWN_FEDERATION_LINK_VERSION 2.0.0 No such version of federation is known.
UNKNOWN_LINK_VERSION 2.1.0 No such version of @link is known.
UNSUPPORTED_FEATURE 2.1.0 This combination is not supported.
UNSUPPORTED_LINKED_FEATURE 2.0.0 A linked feature, or an option of it, is not supported.
""")

HINTS = _hints("""
INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE INFO A field has different types that fit together.
INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE INFO An argument or input field has different types that fit together.
INCONSISTENT_DEFAULT_VALUE_PRESENCE WARN A default value is given in some subgraphs only.
INCONSISTENT_ENTITY INFO A type has a key in some subgraphs only.
INCONSISTENT_OBJECT_VALUE_TYPE_FIELD DEBUG A field of a value type is missing in some subgraphs.
INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD DEBUG A field of an interface is missing in some subgraphs.
INCONSISTENT_INPUT_OBJECT_FIELD WARN An input field is dropped because some subgraphs lack it.
INCONSISTENT_UNION_MEMBER DEBUG A union member is missing in some subgraphs.
INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM WARN An enum value is dropped because some subgraphs lack it.
INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM DEBUG An enum value is missing in some subgraphs.
INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_REPEATABLE DEBUG A type system directive is repeatable in some subgraphs only.
INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_LOCATIONS DEBUG A type system directive has different locations.
INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE WARN An executable directive is dropped because some subgraphs lack it.
NO_EXECUTABLE_DIRECTIVE_INTERSECTION WARN An executable directive is dropped because it has no common location.
INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE WARN An executable directive is repeatable in some subgraphs only.
INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS WARN An executable directive has different locations.
INCONSISTENT_DESCRIPTION WARN An element has different descriptions.
INCONSISTENT_ARGUMENT_PRESENCE WARN An optional argument is dropped because some subgraphs lack it.
FROM_SUBGRAPH_DOES_NOT_EXIST WARN A field overrides one of a subgraph that does not exist.
OVERRIDDEN_FIELD_CAN_BE_REMOVED INFO An overridden field is not needed any more.
OVERRIDE_DIRECTIVE_CAN_BE_REMOVED INFO There is nothing left to override.
OVERRIDE_MIGRATION_IN_PROGRESS INFO A field moves gradually from one subgraph to another.
UNUSED_ENUM_TYPE DEBUG An enum is not used by any field or argument.
INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS WARN A directive is applied with different arguments; one application wins.
MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS INFO A directive is applied with different arguments, which were merged.
DIRECTIVE_COMPOSITION_INFO INFO A custom directive was left out or changed its version.
DIRECTIVE_COMPOSITION_WARN WARN A custom directive is named for composition but can't be composed.
INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN WARN A shared field returns different sets of types.
IMPLICITLY_UPGRADED_FEDERATION_VERSION INFO A directive demands a newer federation than its subgraph links.
CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS INFO An argument is dropped because it is contextual somewhere.
""")
