// Copyright: Contributors to the crosscluster.elasticsearch collection
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
package standin;

import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.index.LeafReaderContext;
import org.elasticsearch.index.mapper.OnScriptError;
import org.elasticsearch.script.ScriptContext;
import org.elasticsearch.script.ScriptEngine;
import org.elasticsearch.script.StringFieldScript;
import org.elasticsearch.search.lookup.SearchLookup;

/** The one painless script of the security index, by which a query finds the type of API keys; refuses all others. */
final class KeyTypeScript implements ScriptEngine {
    private static final String SOURCE = "emit(field('type').get(\"rest\"));";

    @Override
    public String getType() {
        return "painless";
    }

    @Override
    public <T> T compile(String name, String code, ScriptContext<T> context, Map<String, String> parameters) {
        if (!SOURCE.equals(code) || context != StringFieldScript.CONTEXT) {
            throw new IllegalArgumentException("there is no painless here but for [" + SOURCE + "]");
        }
        StringFieldScript.Factory factory =
            (field, values, lookup, onError) -> leaf -> new Script(field, values, lookup, onError, leaf);
        return context.factoryClazz.cast(factory);
    }

    @Override
    public Set<ScriptContext<?>> getSupportedContexts() {
        return Set.of(StringFieldScript.CONTEXT);
    }

    private static final class Script extends StringFieldScript {
        Script(
            String field,
            Map<String, Object> parameters,
            SearchLookup lookup,
            OnScriptError onError,
            LeafReaderContext leaf
        ) {
            super(field, parameters, lookup, onError, leaf);
        }

        @Override
        public void execute() {
            Iterator<?> types = field("type").iterator();
            emit(types.hasNext() ? types.next().toString() : "rest");
        }
    }
}
