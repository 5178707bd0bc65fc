// Copyright: Contributors to the crosscluster.elasticsearch collection
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
package standin;

import java.util.regex.Pattern;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.index.analysis.TokenFilterFactory;

/** The token filter pattern_capture of the module analysis-common. */
record PatternCaptureFactory(String name, boolean original, Pattern[] patterns) implements TokenFilterFactory {
    PatternCaptureFactory(String name, Settings settings) {
        this(
            name,
            settings.getAsBoolean("preserve_original", true),
            settings.getAsList("patterns").stream().map(Pattern::compile).toArray(Pattern[]::new));
    }

    @Override
    public TokenStream create(TokenStream input) {
        return new PatternCaptureGroupTokenFilter(input, original, patterns);
    }
}
